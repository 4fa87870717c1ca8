"""HTTP resources, one file each."""

# before the first route is made: how the places of an address are read
from api import segments as segments
