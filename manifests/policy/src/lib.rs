//! What a printer should run: facts in, decisions with their reasons out.
