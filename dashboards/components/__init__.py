"""Parts of a page that Streamlit does not have: the hexagon map and the language of the document."""
