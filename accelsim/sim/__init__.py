"""Time: programs, the kernels that run them, and what a run did."""
