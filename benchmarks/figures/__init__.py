"""One module for each figure; each has `measure(bed)`."""
