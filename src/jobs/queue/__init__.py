"""Jobs in the background: processes that outlive whoever started them, in their order."""
