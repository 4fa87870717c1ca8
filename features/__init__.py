"""What every column means: contracts, features and the planner that computes them."""
