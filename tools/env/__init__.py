"""What the repository needs from the machine: a virtual environment, a browser, and a clock over the steps."""
