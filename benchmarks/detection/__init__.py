"""How well the detection does: validity, power and rankings, measured on known answers."""
