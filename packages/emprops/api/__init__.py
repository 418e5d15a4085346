"""The API: the queue over HTTP, for programs that do not speak to the server of the queue themselves."""
