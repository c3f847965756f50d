"""The silos: each exports what it knows in its own words, with its own ids and its own gaps."""
