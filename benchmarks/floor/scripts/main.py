import streamlit as st

st.write(st.slider("x", 0.0, 5.0, 1.0, 0.01, key="floor_x"))
