"""What people say about what the machine decided: kept, exported for training, and the trained model put to use."""
