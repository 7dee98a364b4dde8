"""What each of the five phases asks a model, and how its answer is read. Pure."""
