"""Words for kinds of personal data: of two declaration forms and of a traffic analyser.

Own wording; each kind has one word in the common vocabulary, one on an English store form, one on
a Chinese filing form, and one or more by which an analyser names what it saw on the wire.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

STORE, FILING, TRAFFIC = "store_form", "cn_filing", "traffic"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of data: words, whether sensitive, how usual it is for an app to use it."""

    key: str
    store: str
    filing: str
    traffic: tuple[str, ...]
    sensitive: bool
    usual: float


KINDS: tuple[Kind, ...] = (
    Kind("device_or_other_ids", "Device or other IDs", "设备标识符", ("imei", "ad_id"), False, 0.8),
    Kind("diagnostics", "Diagnostics", "诊断信息", ("crash_log", "battery_level"), False, 0.75),
    Kind("approximate_location", "Approximate location", "大致位置", ("cell_id",), False, 0.45),
    Kind("precise_location", "Precise location", "精确位置", ("lat_long",), True, 0.2),
    Kind("phone_number", "Phone number", "手机号码", ("msisdn",), False, 0.6),
    Kind("email_address", "Email address", "电子邮箱", ("email",), False, 0.4),
    Kind("name", "Name", "姓名", ("given_name", "family_name"), False, 0.35),
    Kind("postal_address", "Postal address", "通讯地址", ("street",), False, 0.2),
    Kind("contacts", "Contacts", "通讯录", ("address_book",), True, 0.08),
    Kind("sms_or_mms", "SMS or MMS", "短信", ("sms_body",), True, 0.04),
    Kind("call_log", "Call history", "通话记录", ("call_record",), True, 0.02),
    Kind("photos", "Photos", "照片", ("image_upload",), False, 0.25),
    Kind("audio", "Voice or sound recordings", "录音", ("voice_clip",), True, 0.08),
    Kind("health", "Health information", "健康信息", ("heart_rate", "step_count"), True, 0.05),
    Kind("financial_account", "Payment account", "支付账户", ("card_token",), True, 0.2),
    Kind("biometric", "Face or fingerprint", "生物识别信息", ("face_vector",), True, 0.04),
    Kind("installed_apps", "Installed apps", "已安装应用列表", ("package_list",), False, 0.1),
    Kind("browsing_history", "Web browsing history", "浏览记录", ("visited_url",), False, 0.12),
    Kind("calendar", "Calendar events", "日历", ("calendar_entry",), False, 0.04),
    Kind("purchase_history", "Purchase history", "购买记录", ("order_list",), False, 0.3),
)

UNMAPPED = ("os_version", "screen_size", "app_build", "language")
"""Analyser words for things that are no personal data: they have no row in the map."""

APP_TYPES = (
    "map_navigation", "ride_hailing", "instant_messaging", "online_community",
    "online_payment", "online_shopping", "food_delivery", "transport_ticketing",
    "recruitment", "medical_registration", "travel", "hotel", "online_games", "education",
    "womens_health", "mobile_banking", "mail_cloud", "live_streaming", "short_video", "news",
    "fitness", "browser", "input_method", "photo_beautify", "utilities",
)  # fmt: skip

PURPOSES = ("service", "security", "analytics", "advertising")
RECIPIENTS = ("operator", "analytics provider", "advertising network", "payment service")


def word_map() -> pl.DataFrame:
    """The `data_type_map` table."""
    rows = [(STORE, k.store, k.key) for k in KINDS]
    rows += [(FILING, k.filing, k.key) for k in KINDS]
    rows += [(TRAFFIC, word, k.key) for k in KINDS for word in k.traffic]
    return pl.DataFrame(rows, schema=("taxonomy", "source_type", "data_type"), orient="row")
