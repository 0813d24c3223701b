"""Where credentials are in a text: by their prefix, their shape, or the name before them."""
