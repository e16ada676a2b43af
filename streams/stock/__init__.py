"""Stock held by unpaid orders: decisions with a net of zero. See docs/stock.md."""
