"""The recorder: makes audio files of what the media relay wrote down, and brings them where they belong."""
