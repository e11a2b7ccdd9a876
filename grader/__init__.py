"""The grader of the course on background work in FastAPI applications: the outside world around a program."""
