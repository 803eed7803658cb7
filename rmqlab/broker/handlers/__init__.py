"""What a broker answers.  A handler checks, acts and answers, and never waits."""
