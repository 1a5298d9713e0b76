"""Radio becomes segments: sensor drivers, the BLE link, the device clock."""
