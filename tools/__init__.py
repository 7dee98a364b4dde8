"""Programs for developers of ralph-hooks: generators of the reference pages."""
