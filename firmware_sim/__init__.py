"""The stand-in for hardware: an infant who moves, an IMU that measures, a sock that speaks BLE."""
