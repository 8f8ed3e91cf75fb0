"""What a message means: ideas found in its words, and the model that reads topics and emergencies from them."""
