"""One file per page; a new page is one file here and one line in `dashboards/app.py`."""
