"""What a grading run found, as data, and the ways to print it. Imports nothing else of the grader."""
