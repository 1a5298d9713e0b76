"""Segments become events: resampling, filters, bursts, rhythm, sleep state, classification."""
