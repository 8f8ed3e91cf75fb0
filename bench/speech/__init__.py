"""How well voicemail is heard: language, keywords, callback numbers, words from what is no speech."""
