"""The places: each paints its background on the stage and says where a subject stands."""
