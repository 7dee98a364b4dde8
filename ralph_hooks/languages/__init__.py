"""Knowledge of programming languages, in one table. Nothing outside of this package asks for a language by its name.

- `table`: the languages, `language_of`
- `syntax`: what cannot be parsed
- `outline`: definitions and calls
- `test_files`: which files are tests
"""
