"""Proofs with real processes: a provider that keeps books, kills, a Postgres of their own."""
