"""The credit memo: a firm and one answer to it, gathered as a document and written as a page for a committee."""
