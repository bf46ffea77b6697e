"""The choices of the standard columns: value to label."""

from __future__ import annotations

PAYMENT_TERMS = {
    1: "Net 30",
    2: "2% 10, Net 30",
    3: "Net 45",
    4: "Net 60",
}
SHIPPING = {
    1: "Airborne",
    2: "DHL",
    3: "FedEx",
    4: "UPS",
    5: "Postal Mail",
    6: "Full Load",
    7: "Will Call",
}
SKIP_PRICES = {
    0: "DoPriceCalcAlways",
    1: "SkipPriceCalcOnRetrieve",
}
PRICING_ERRORS = {
    0: "None",
    1: "Detail Error",
    2: "Missing Price Level",
    5: "Missing Unit Price",
    6: "Missing Product",
    11: "Product Not In Price Level",
}
CONTRACTS = {
    1: "OneWay",
    2: "Queue",
    3: "Rest",
    4: "TwoWay",
    5: "Topic",
    6: "Queue (Persistent)",
    7: "Event Hub",
    8: "Webhook",
    9: "Event Grid",
    10: "Managed Data Lake",
}
AUTH_TYPES = {
    1: "ACS",
    2: "SAS Key",
    3: "SAS Token",
    4: "Webhook Key",
    5: "Http Header",
    6: "Http Query String",
    7: "Connection String",
    8: "Access Key",
}
STAGES = {
    10: "Pre-validation",
    20: "Pre-operation",
    30: "Main operation",
    40: "Post-operation",
}
LINE_PRODUCT_TYPES = {
    1: "Product",
    2: "Bundle",
    3: "Required Bundle Product",
    4: "Optional Bundle Product",
    5: "Project-based Service",
}
PRODUCT_TYPES = {
    1: "Sales Inventory",
    2: "Miscellaneous Charges",
    3: "Services",
    4: "Flat Fees",
}
PROPERTY_STATUSES = {
    0: "Edit",
    1: "Rectify",
    2: "Not Configured",
}
PRODUCT_STRUCTURES = {
    1: "Product",
    2: "Product Family",
    3: "Product Bundle",
}
DEPLOYMENTS = {
    0: "Server Only",
    1: "Microsoft Dynamics 365 Client for Outlook Only",
    2: "Both",
}
