"""What stands in the foreground: each drawn on its own small canvas, then set into the scene's light."""
