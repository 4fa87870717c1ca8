"""Six blocks of features over many orders: ours beside hand-written Polars, DuckDB and pandas.

Everybody reads the same Parquet files of the canonical tables `transactions` and `products`, and
answers with the same six tables. A block is what a market regulator asks of orders:

| block | one row per | numbers |
| --- | --- | --- |
| concentration | market, month | HHI and share of the four largest sellers (0-10 000, %) |
| dispersion | product, month | mean coefficient of variation of a day's unit prices, and days |
| share | market, seller, month | share of the market's sales, growth on the month before |
| reciprocity | seller, month | part of its sales matched by what it bought from those buyers |
| fee | seller, month | what is withheld from the price, over the price |
| pairs | pair of platforms, month | sellers active on both |

Orders carry no market and no fee in the contract: the market is that of the product, and the
discount, which has the shape of a fee, stands for it.
"""
