"""What is taken along to the doctor: what was recorded, out of how much, and how it looked."""
