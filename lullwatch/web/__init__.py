"""The pages: a small web application that reads the journals and hands everything a person does to the monitor."""
