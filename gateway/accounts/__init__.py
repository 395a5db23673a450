"""Users: who may sign in, with which password and role. One table, SQLite or PostgreSQL."""
