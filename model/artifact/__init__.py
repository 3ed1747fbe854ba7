"""What goes into model.tar.gz, where it comes from, and how it is written."""
