"""Everything breaks at random, and no job is lost."""
