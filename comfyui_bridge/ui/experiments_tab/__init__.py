"""The tab Experiments: many pictures from one form's values, planned, made and looked at as a sheet."""
