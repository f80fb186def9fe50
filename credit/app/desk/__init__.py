"""The desk: a queue of referred decisions and open alerts, and what a person does with each."""
