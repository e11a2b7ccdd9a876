"""Everything that can go wrong in the grader itself: one tree, one line each."""


class GraderError(Exception):
    """Something that a user can mend; its text is one line that names the remedy."""


class CourseError(GraderError):
    """The course's own files do not fit together: file and remedy are named."""


class UnknownExercise(GraderError):
    """No exercise or module answers to that name."""


class UnreadableSubmission(GraderError):
    """The file to be graded cannot be read as one regular file of text."""


class StageError(GraderError):
    """The processes in which submissions run could not be started or were lost."""


class StageLost(StageError):
    """The process that forks the submissions' processes has gone."""


class NotStarted(Exception):
    """The submission never came up; the text says why, in the student's own file and line."""


class FolderDeleted(NotStarted):
    """The folder in which a process was to be started went away while it was laid out."""

    def __init__(self) -> None:
        super().__init__("The folder for your program was deleted: does it delete folders that are not its own?")


class Unmet(AssertionError):
    """The world did not see what the behaviour asks for; the text says what it saw instead."""
