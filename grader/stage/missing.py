"""What a role says when a submission lacks what the role needs."""


class Missing(Exception):
    """The submission lacks the object that its role needs."""
