"""What the system learns from: the labelled corpus and the trainer of the model that reads topics."""
