"""Policy: dated, sourced parameters and rules that are one function and one reason each."""
