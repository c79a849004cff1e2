"""The tab Results: everything that was ever run here, to be found again, looked at and acted on."""
