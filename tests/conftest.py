"""What every test shares: properties are judged by their result, never by the time that a busy machine takes."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
