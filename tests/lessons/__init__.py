"""Lessons prove themselves: their code runs, and what they show was printed by it."""
