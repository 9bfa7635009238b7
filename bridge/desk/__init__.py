"""What operators and clients ask of the whole bridge, behind the doors: it touches both corridors."""
