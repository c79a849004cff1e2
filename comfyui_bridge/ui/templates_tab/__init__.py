"""The tab Templates: bring workflows in, and make of each the form that people should see."""
