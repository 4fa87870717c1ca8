"""The machine that feeds, runs and stores."""
