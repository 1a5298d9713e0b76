"""The application: settings, command line, the live service, replay and pictures."""
