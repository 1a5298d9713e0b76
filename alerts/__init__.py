"""Events become messages to people: rules, words, MQTT."""
