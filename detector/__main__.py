"""`python -m detector` is `warden`."""

from detector.cli.main import main

main()
